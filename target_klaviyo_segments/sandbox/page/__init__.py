"""The account as a person looks at it: a page for a browser of this machine. Nothing here changes anything."""
