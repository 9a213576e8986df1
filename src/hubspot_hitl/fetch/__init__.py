"""Gets files from addresses that users and bots send, without trusting a word of theirs."""
