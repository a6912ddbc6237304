# @title What saves a network: run me.
import tempfile


def save_model(model, name):
    """Save the model in DATA, whole or not at all; print why if not."""
    try:
        with tempfile.TemporaryDirectory(dir=DATA, prefix="part-") as folder:
            model.save(Path(folder) / name)
            os.replace(Path(folder) / name, DATA / name)
    except OSError as error:
        print(f"{name} is not saved: {error.strerror or error}.")
