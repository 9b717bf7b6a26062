"""One file a topic; each test is a promise with a sentence for its name."""
