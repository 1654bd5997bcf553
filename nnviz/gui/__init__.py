"""All of Qt: views of the document and of the run. No rule of the domain lives here."""
