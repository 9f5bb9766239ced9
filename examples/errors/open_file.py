from concurrent.futures import ProcessPoolExecutor


class Journal:
    def __init__(self, path):
        self.path = path
        self.file = open(path, "a")

    def note(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        return len(line)


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(Journal("journal.txt").note, ["one", "three"])))
