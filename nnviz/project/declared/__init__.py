"""What a project can name: layers, optimizers, losses, initialisers. Declarations only; nothing here computes."""
