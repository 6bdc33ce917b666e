"""The reference set, searched: its tables in memory and in the cache, and near duplicates within it."""
