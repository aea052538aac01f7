"""Sentences in other languages, one file a language: the English sentence is the key."""
