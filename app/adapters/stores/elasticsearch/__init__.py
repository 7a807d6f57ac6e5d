"""The store on a cluster of Elasticsearch: entries are its truth, an index for each space answers searches."""
