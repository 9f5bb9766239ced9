import pickle

if __name__ == "__main__":
    with open("invoice.pickle", "rb") as file:
        print("invoice", pickle.load(file).number)
