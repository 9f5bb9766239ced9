"""A dictionary that processes share, made at the top level."""

from multiprocessing import Manager, Process

manager = Manager()
lengths = manager.dict()


def measure(word, into):
    into[word] = len(word)


processes = [Process(target=measure, args=(word, lengths)) for word in ("a", "bc")]
for process in processes:
    process.start()
for process in processes:
    process.join()
print(sorted(lengths.items()))
