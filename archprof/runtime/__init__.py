"""Graph → torch module, and what counters find on a torch module. The only part that needs torch and fvcore."""
