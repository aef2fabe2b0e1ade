"""Real documents with known answers, replayed through capture and assessment: how trustworthy is the watch."""
