"""An evaluation -> a document for people. Functions of the evaluation alone, for the service and the command line."""
