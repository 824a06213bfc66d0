"""What is said on the wire: the schema, the documents sent, and the models that read the answers. No network."""
