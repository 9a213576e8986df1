"""What an installation needs at both vendors: made once, found again, looked at by the doctor."""
