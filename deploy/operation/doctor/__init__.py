"""`modelyard doctor`: finds what is wrong with a platform and says what to do about it. It changes nothing."""
