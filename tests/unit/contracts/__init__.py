"""The design's sentences, held from outside: public names only, against raw HTTP."""
