"""Work spread over processes and nodes by Ray; no other room imports Ray."""
