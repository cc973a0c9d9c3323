"""What serves the connections of an endpoint: who may connect, and how a request gets there."""
