"""Keep pytest from collecting the cases as modules of their own: `..split_corpus` imports them quietly."""

collect_ignore_glob = ["*.py"]
