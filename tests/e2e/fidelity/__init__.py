"""Operations as values, played on a fake server and on a real one, and their answers compared."""
