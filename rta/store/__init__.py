"""What the stores on disk share: an SQLite file and what its errors mean, a lock, a process that has the store open."""
