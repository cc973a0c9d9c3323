"""When media goes where: to the handler as it comes, to the client in real time."""
