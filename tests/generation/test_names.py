import re

from hypothesis import given
from hypothesis import strategies as st

from hfci.catalog import model_type_names
from hfci.generation.names import file_name, model_types_by_stem, plain_stem, stems

VALID = re.compile(r"[a-z0-9_]*")


def test_every_model_type_of_the_installed_transformers_keeps_its_plain_stem():
    names = model_type_names()
    assert stems(names) == {name: plain_stem(name) for name in names}
    assert stems(names)["kosmos-2.5"] == "kosmos_2_5"
    assert stems(names)["EvollaModel"] == "evollamodel"


def test_every_model_type_is_found_by_its_stem():
    names = model_type_names()
    assert sorted(model_types_by_stem(names).values()) == sorted(names)


def test_of_colliding_names_the_plain_one_keeps_its_stem():
    found = stems(["blip_2", "blip-2", "BLIP-2"])
    assert found["blip_2"] == "blip_2"
    assert len({name.lower() for name in found.values()}) == 3


# Few letters, so that names collide often.
@given(st.sets(st.text(alphabet="aA-._é1", max_size=4), max_size=30))
def test_stems_are_valid_unique_and_reversible_over_any_set(names):
    found = stems(names)
    assert all(VALID.fullmatch(stem) for stem in found.values())
    assert model_types_by_stem(names) == {stem: name for name, stem in found.items()}
    assert len(set(found.values())) == len(names)


@given(st.sets(st.text(alphabet="aA-_", max_size=3), max_size=10))
def test_a_name_made_of_another_ones_stem_does_not_take_it(names):
    closed = names | set(stems(names).values())
    assert len(set(stems(closed).values())) == len(closed)


# Few words, so that a name often ends as the file of a tier does.
@given(
    st.sets(st.lists(st.sampled_from(["bert", "_", "-", "functional", "deep"]), max_size=5).map("".join), max_size=20)
)
def test_no_two_files_of_any_tier_share_a_name(names):
    made = [file_name(stem, tier) for stem in stems(names).values() for tier in ("smoke", "functional", "deep")]
    assert len(set(made)) == len(made)
