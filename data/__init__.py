"""What an article is: taxonomy, labels, sentences, cleaning, tables, and the bundled corpus."""
