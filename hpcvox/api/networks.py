"""Uses trained networks on crystals: those of run folders, and those that come with hpcvox, by name."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.api.structures import CrystalLike, to_ase, to_records
from hpcvox.crystals.record import Crystal
from hpcvox.errors import ConfigError
from hpcvox.featurize.sampler import alone
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.fingerprint.explanation import Explanation, Uncertainty
from hpcvox.networks.vae.card import VAECard
from hpcvox.training.folder.card import Card, read_card
from hpcvox.training.folder.shipped import located

MOST_DRAWS: Final = 100
"""Most points that are drawn for each wanted crystal; a network that needs more makes hardly any valid ones."""


class Trained:
    """A trained network.  A method that its kind does not support raises an error that says what it can do."""

    does: str = "nothing that is asked for here"

    def __init__(self, folder: Path, task: str) -> None:
        self.folder, self.task = folder, task

    def __repr__(self) -> str:
        return f"<{self.task} of {self.folder}: {self.does}>"

    def predict(self, crystals: CrystalLike | Iterable[CrystalLike]) -> NDArray[np.float64]:
        """Predict the property of each crystal.

        Returns:
            (N,) float64 in the unit of the target; NaN for a crystal with an element that no training crystal had.

        Raises:
            ConfigError: this network predicts no property.
            Rejected: hpcvox cannot use one of the crystals.
        """
        raise self._refused("predict", "train-cgcnn")

    def classify(self, crystals: CrystalLike | Iterable[CrystalLike]) -> list[str]:
        """Classify each crystal; return the names of the classes.

        Raises:
            ConfigError: this network knows no classes.
            Rejected: hpcvox cannot use one of the crystals.
        """
        raise self._refused("classify", "train-fingerprint")

    def explain(
        self, crystal: CrystalLike, layers: Sequence[int] | None = None, filters: int = 4
    ) -> Explanation:
        """Say what the network looks at in a crystal's fingerprint: attentive response maps (Ziletti et al. 2018).

        Args:
            crystal: see :func:`hpcvox.to_ase`.
            layers: convolutions whose filters are looked into, 1 the first; None: the first, the third and the last.
            filters: how many filters of each, the most active ones.

        Returns:
            ``fingerprint`` (n, n, 3) float32; ``probabilities`` by class; for each of ``layers`` the numbers of its
            ``filters`` and their ``maps`` (filters, n, n, 3) float32; ``template`` (n, n, 3) float32, the sum of the
            maps of all filters of the last layer.  :func:`hpcvox.plot_explanation` draws it.

        Raises:
            ConfigError: this network knows no classes, or has no such layer.
            Rejected: hpcvox cannot use the crystal.
        """
        raise self._refused("explain", "train-fingerprint")

    def uncertainty(
        self, crystals: CrystalLike | Iterable[CrystalLike], draws: int = 100, seed: int = 0
    ) -> Uncertainty:
        """Say how sure the classes of crystals are, from predictions with dropout (Leitherer et al. 2021).

        Args:
            crystals: one crystal or several, see :func:`hpcvox.to_ase`.
            draws: how many predictions; the features that each leaves out are the same for all crystals.
            seed: seed of what is left out.

        Returns:
            ``probabilities`` (N, classes), means over the draws; ``entropy`` (N,) of these, in nats; and
            ``mutual_information`` (N,), in nats, which is high where the draws contradict each other.  All float64.

        Raises:
            ConfigError: this network knows no classes, or was trained without dropout.
            Rejected: hpcvox cannot use one of the crystals.
        """
        raise self._refused("uncertainty", "train-fingerprint")

    def generate(self, n: int, condition: float | None = None, **settings: Any) -> list[Atoms]:
        """Generate ``n`` valid crystals, the same as ``hpcvox generate``, in the order in which they are drawn.

        Args:
            n: number of crystals.
            condition: value of the target that conditions the network; None: all of its bins, in turn.
            settings: settings of ``hpcvox generate``: ``seed=0``, ``sigma=1.0``, ``base="my.cif"``, ``prior="auto"``,
                ``threads=0`` ...

        Returns:
            Atoms whose ``info`` has ``id`` (as ``hpcvox generate`` names it) and ``charge_balanced``.

        Raises:
            ConfigError: this network generates nothing, there is no such setting, or too few points give a valid
                crystal.
        """
        raise self._refused("generate", "train-vae")

    def reconstruct(
        self, crystals: CrystalLike | Iterable[CrystalLike], condition: float | None = None
    ) -> list[Atoms | None]:
        """Encode and decode each crystal; None if the decoded map gives no crystal.

        Args:
            crystals: one crystal or several, see :func:`hpcvox.to_ase`.
            condition: value of the target that conditions the network, for crystals that lack it in ``info``.

        Raises:
            ConfigError: this network reconstructs nothing, or the condition of a crystal is unknown.
            Rejected: hpcvox cannot use one of the crystals, or cannot make the voxels that the network takes.
        """
        raise self._refused("reconstruct", "train-vae")

    def _refused(self, asked: str, verb: str) -> ConfigError:
        return ConfigError(
            f"{self.folder} holds a {self.task}: {self.does}; networks of `hpcvox {verb}` {asked}"
        )


class Property(Trained):
    """A trained CGCNN; ``target`` is the property that it predicts."""

    def __init__(self, folder: Path, task: str) -> None:
        from hpcvox.screening.networks import PropertyNetworks

        super().__init__(folder, task)
        self._networks = PropertyNetworks([folder])
        (self.target,) = self._networks.targets
        self.does = f"predict(crystals) gives {self.target}"

    def predict(self, crystals: CrystalLike | Iterable[CrystalLike]) -> NDArray[np.float64]:
        """See :meth:`Trained.predict`."""
        described = [self._networks.described(record) for record in to_records(crystals)]
        return self._networks.predict(described)[self.target].mean


class Classifier(Trained):
    """A trained network of diffraction fingerprints; ``classes`` are the names of its classes."""

    def __init__(self, folder: Path, task: str) -> None:
        from hpcvox.networks.fingerprint.at_work import Classifier as Network
        from hpcvox.networks.fingerprint.at_work import descriptor

        super().__init__(folder, task)
        self._network = Network(folder)
        self._descriptor = descriptor(self._network.card, str(folder))
        self.classes = list(self._network.classes)
        known = ", ".join(self.classes)
        self.does = f"classify(crystals) gives one of {known}; explain(crystal) shows what it looks at"

    def classify(self, crystals: CrystalLike | Iterable[CrystalLike]) -> list[str]:
        """See :meth:`Trained.classify`."""
        images = self._fingerprints(crystals)
        return self._network(np.stack(images)) if images else []

    def explain(
        self, crystal: CrystalLike, layers: Sequence[int] | None = None, filters: int = 4
    ) -> Explanation:
        """See :meth:`Trained.explain`."""
        if filters < 1:
            raise ConfigError(f"filters: {filters} are none to look into: give 1 or more")
        (image,) = self._fingerprints([crystal])
        return self._network.explain(image, layers, filters)

    def uncertainty(
        self, crystals: CrystalLike | Iterable[CrystalLike], draws: int = 100, seed: int = 0
    ) -> Uncertainty:
        """See :meth:`Trained.uncertainty`."""
        if draws < 1:
            raise ConfigError(f"draws: {draws} say nothing: give 1 or more")
        return self._network.uncertainty(self._fingerprints(crystals), draws, seed)

    def _fingerprints(self, crystals: CrystalLike | Iterable[CrystalLike]) -> list[NDArray[np.float32]]:
        return [alone(self._descriptor, record).arrays["fingerprint"] for record in to_records(crystals)]


class Generator(Trained):
    """A trained VAE; ``condition`` is the target that conditions it."""

    def __init__(self, folder: Path, task: str) -> None:
        super().__init__(folder, task)
        card = read_card(folder, VAECard)
        self.condition = card.condition
        self._edges = np.array(card.edges)
        wanted = f", condition={self.condition} between {self._edges[0]:.4g} and {self._edges[-1]:.4g}"
        self.does = f"generate(n{'' if self.condition is None else wanted}), reconstruct(crystals)"

    def generate(self, n: int, condition: float | None = None, **settings: Any) -> list[Atoms]:
        """See :meth:`Trained.generate`."""
        wanted = {} if condition is None else {"conditions": [self._bin(condition)]}
        asked = config.validate(GenerateSettings, {"vae": self.folder, **wanted, **settings}, "generate")
        found: list[Atoms] = []
        for drawn, atoms in enumerate(self._valid(asked), 1):
            found += [atoms] if atoms is not None else []
            if len(found) >= n:
                return found[:n]
            if drawn >= MOST_DRAWS * max(n, 1):
                raise ConfigError(
                    f"{self.folder}: of {drawn:,} points that were drawn {len(found)} are valid crystals, and {n} are "
                    "asked for: train the network for longer, or on more crystals"
                )
        return found[:n]

    def reconstruct(
        self, crystals: CrystalLike | Iterable[CrystalLike], condition: float | None = None
    ) -> list[Atoms | None]:
        """See :meth:`Trained.reconstruct`."""
        from hpcvox.generation.latent import maps_of
        from hpcvox.generation.making import candidates
        from hpcvox.generation.networks import BATCH, Networks

        asked = GenerateSettings(vae=self.folder)
        networks, rules = Networks(asked), asked.placement.rules(by_unet=False)
        records = to_records(crystals)
        found: list[Atoms | None] = []
        for start in range(0, len(records), BATCH):
            batch = records[start : start + BATCH]
            bins = np.array([self._bin(self._condition_of(record, condition)) for record in batch])
            made = [maps_of(record, networks) for record in batch]
            points = networks.encode(np.stack([m for m, _ in made]), np.stack([s for _, s in made]), bins)
            ids = [record.id for record in batch]
            back = candidates(networks, rules, ids, networks.decode(points, bins))
            found += [None if one.crystal is None else to_ase(one.crystal) for one in back]
        return found

    def _valid(self, settings: GenerateSettings) -> Iterator[Atoms | None]:
        """Yield for each point its crystal; None if the point gives no valid crystal."""
        from hpcvox.generation.latent import Latent
        from hpcvox.generation.making import candidates, decoded
        from hpcvox.generation.networks import BATCH, Networks

        networks = Networks(settings)
        latent = Latent(settings, networks)
        rules = settings.placement.rules(by_unet=settings.unet is not None)
        size = -(-BATCH // len(latent.deciles))  # points of each bin, so that all bins fill at least a batch
        for start in count(0, size):
            drawn = latent.samples(start + size)[start * len(latent.deciles) :]
            for first in range(0, len(drawn), BATCH):
                batch = drawn[first : first + BATCH]
                maps = decoded(networks, latent, batch)
                for one in candidates(networks, rules, [sample.id for sample in batch], maps):
                    if one.crystal is None or one.verdict is None or not one.valid:
                        yield None
                    else:
                        atoms = to_ase(one.crystal)
                        atoms.info["charge_balanced"] = one.verdict.charge_balanced
                        yield atoms
            if settings.towards is not None:
                return

    def _condition_of(self, crystal: Crystal, given: float | None) -> float:
        if self.condition is None:
            return 0.0
        value = crystal.targets.get(self.condition, given)
        if value is None:
            raise ConfigError(
                f"{crystal.id}: its {self.condition}, which conditions {self.folder}, is not known: put it into "
                f"info[{self.condition!r}] of its Atoms, or give condition=VALUE"
            )
        return value

    def _bin(self, value: float) -> int:
        from hpcvox.networks.vae.bins import bin_of

        return int(bin_of(np.array([value], np.float64), self._edges)[0])


_KINDS: Final[dict[str, type[Trained]]] = {"cgcnn": Property, "fingerprint": Classifier, "vae": Generator}


def load(run_or_name: Path | str) -> Trained:
    """Load a trained network.

    Args:
        run_or_name: the run folder of a training, or the name of a network that comes with hpcvox.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    folder = located(Path(run_or_name))
    task = read_card(folder, Card).task
    return _KINDS.get(task, Trained)(folder, task)
