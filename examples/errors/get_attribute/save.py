import pickle


class Invoice:
    def __init__(self, number):
        self.number = number


if __name__ == "__main__":
    with open("invoice.pickle", "wb") as file:
        pickle.dump(Invoice(7), file)
