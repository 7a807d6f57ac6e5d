"""HTTP and nothing else: parse, call one activity, answer."""
