"""The service's API as Amazon documents it: the schema, the documents sent, the models of responses. No network."""
