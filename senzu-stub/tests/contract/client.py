"""What an operator's script does with the generated client: looks, tags, and is told what is wrong."""

import os
import ssl

from senzu import AuthenticatedClient
from senzu.api.operators import asset, assets, set_tags
from senzu.models import AssetState, Problem, Tags

context = ssl.create_default_context(cafile=os.environ["SENZU_CA"])
client = AuthenticatedClient(
    base_url=os.environ["SENZU_URL"], token=os.environ["SENZU_TOKEN"], verify_ssl=context
)

names = [one.name for one in assets.sync(client=client).assets]
assert names == ["r1-u10", "r1-u12"], names

spare = assets.sync(client=client, state=AssetState.SPARE).assets
assert [one.name for one in spare] == ["r1-u12"], spare

told = set_tags.sync("r1-u12", client=client, body=Tags(tags=["team:storage", "burn-in", "burn-in"]))
assert told.tags == ["burn-in", "team:storage"], told

whole = asset.sync("r1-u12", client=client)
assert whole.standing.state == AssetState.SPARE, whole.standing
assert whole.facts.nics[0].mac, whole.facts

refused = asset.sync("r1-u99", client=client)
assert isinstance(refused, Problem) and "r1-u99" in refused.detail, refused
