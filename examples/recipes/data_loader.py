from torch.utils.data import DataLoader


def main():
    rows = list(range(8))
    scale = 10
    loader = DataLoader(
        rows,
        batch_size=4,
        num_workers=2,
        multiprocessing_context="spawn",
        collate_fn=lambda batch: [scale * row for row in batch],
    )
    for batch in loader:
        print(batch)


if __name__ == "__main__":
    main()
