"""The domain, pure: records, state machine, message translation, transcript. No I/O."""
