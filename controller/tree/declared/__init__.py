"""Which jobs the files declare: documents, the cells of sets, and who owns a name."""
