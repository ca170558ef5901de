"""A controller to copy: a Website becomes a Deployment and a Service, and stays so."""
