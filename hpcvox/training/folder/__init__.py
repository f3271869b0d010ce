"""The run folder of a training: writes its files and reads them again."""
