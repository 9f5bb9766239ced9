import threading

from pyspark.sql import SparkSession


class Cleaner:
    def __init__(self):
        self.lock = threading.Lock()
        self.seen = 0

    def clean(self, word):
        with self.lock:
            self.seen += 1
        return word.strip().lower()


def main():
    spark = SparkSession.builder.master("local[1]").getOrCreate()
    cleaner = Cleaner()
    print(spark.sparkContext.parallelize([" Tea", "COFFEE "]).map(cleaner.clean).collect())
    spark.stop()


if __name__ == "__main__":
    main()
