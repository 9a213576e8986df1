"""What is counted and traced of the work: for `/metrics`, the console, and OpenTelemetry."""
