"""Whether programmes reduce reoffending, and how sure anyone can be."""
