"""The laws of each package, in virtual time; one folder for each folder of src/watchkit."""
