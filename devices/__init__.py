"""What each board is and how fast it is, as data and measurements."""
