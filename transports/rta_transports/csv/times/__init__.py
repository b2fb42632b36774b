"""What the times of a file are: which column, in which format, and what it means where they go back."""
