"""What the tests share: leak checks, outside programs, speech to feed to a microphone."""
