# @title The course's pictures, or some like them: run me.
import re


def picture_path(name):
    """Return the path of a picture in data/digits, as a str.

    A notebook alone draws one like it: test digits on shaded paper.
    """
    path = DATA / "digits" / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        _, (x, y) = load_mnist()
        rows = re.findall("[0-9]+", name)  # photo_3.jpg shows a 3
        drawn = [[x[y == int(d)][1] for d in row] for row in rows or ["4"]]
        image = np.vstack([np.hstack(row) for row in drawn])
        if name != "mnist_input.png":
            ink = cv2.resize(np.pad(image, 4), None, fx=5, fy=5) * bool(rows)
            image = np.linspace(230, 150, ink.shape[1]) * (1 - ink / 320)
        cv2.imwrite(str(path), np.uint8(image))
    return str(path)
