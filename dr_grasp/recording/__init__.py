"""Records scores, attempts and operators' reports in bags, and reads bags back."""
