"""Each channel hands a message to its provider and says what the provider answered."""
