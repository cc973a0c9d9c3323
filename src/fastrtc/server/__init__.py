"""The server side of an endpoint: authorization, connections, routes, telephone, shutdown."""
