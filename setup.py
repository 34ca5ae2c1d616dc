"""What pyproject.toml cannot say: the folder `scenarios` goes into a wheel as the data of `consortium/_scenarios`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["consortium*", "nodes*"]), "consortium._scenarios"],
    package_dir={"consortium._scenarios": "scenarios"},
    package_data={
        "consortium": ["py.typed", "locale/*/LC_MESSAGES/*.mo"],
        "consortium.lab.pages": ["templates/*"],
        "consortium.plugins": ["templates/*.txt"],
        "nodes.page": ["static/**/*"],
        "consortium._scenarios": ["*/*.py", "data/*/*"],
    },
)
