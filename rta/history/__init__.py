"""What streams have sent, kept on disk: the store, what is owed to consumers, and how it is packed."""
