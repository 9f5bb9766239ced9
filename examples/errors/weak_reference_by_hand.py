import weakref
from concurrent.futures import ProcessPoolExecutor


class Node:
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = weakref.ref(parent) if parent is not None else None
        self.children = []

    def __getstate__(self):
        return {**self.__dict__, "parent": None}

    def __setstate__(self, state):
        self.__dict__.update(state)
        for child in self.children:
            child.parent = weakref.ref(self)


def names(node):
    return [node.name, *(name for child in node.children for name in names(child))]


if __name__ == "__main__":
    root = Node("root")
    root.children.append(Node("leaf", root))
    with ProcessPoolExecutor(2) as pool:
        print(pool.submit(names, root).result())
