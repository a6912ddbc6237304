# @title What loads a saved network, or trains one: run me.
import zipfile


def load_model(name, x, y, outputs=10):
    """Return the model that a lesson saved, or None with a word on why not.

    It must read the images x (n, 28, 28) in [0, 1] with the labels y (n,),
    and give so many probabilities for each.
    """
    if not (DATA / name).exists():
        return print(f"There is no {name}.")
    try:
        with zipfile.ZipFile(DATA / name) as file:
            assert file.testzip() is None  # every byte is as it was
        model = keras.models.load_model(DATA / name)
        p = model.predict(x, verbose=0)
        sums_to_1 = np.allclose(p.sum(axis=1), 1)
        accuracy = np.mean(p.argmax(axis=1) == y)
    except Exception:
        return print(f"{name} is damaged, or does not fit 28x28 pixels.")
    if p.shape != (len(x), outputs) or not sums_to_1:
        wanted = {10: "ten", 11: "eleven"}[outputs]
        print(f"{name} does not give {wanted} probabilities.")
    elif accuracy < (0.96 if FULL else 0.85):
        print(f"{name} has an accuracy of only {accuracy:.0%}.")
    else:
        return model


def train_model(x, y):
    """Return the network that lesson 3 saves, trained on x and y here."""
    print("Training one: this may take half a minute.")
    keras.utils.set_random_seed(42)
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten()])
    for units, activation in [(128, "relu"), (128, "relu"), (10, "softmax")]:
        model.add(keras.layers.Dense(units, activation))
    steps = 8 * int(np.ceil(len(x) / 128))
    rate = keras.optimizers.schedules.CosineDecay(0.004, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=50,
    )
    model.fit(x, y, batch_size=128, epochs=8, verbose=0)
    return model
