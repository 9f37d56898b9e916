"""Local accounts through HTTP."""

from tests.identity.conftest import Api, address, cookie_of


async def test_the_whole_way(api: Api) -> None:
    email = address()
    signed_up = await api.sign_up(email, full_name="Ada Lovelace")
    assert signed_up.status_code == 201
    body = signed_up.json()
    assert set(body) == {"access_token", "expires_in", "user"}
    assert body["expires_in"] == 60
    me = (await api.get("/me", body["access_token"])).json()
    assert me["user"] == body["user"]
    assert (me["user"]["email"], me["user"]["full_name"]) == (email, "Ada Lovelace")
    assert me["memberships"] == [
        {"tenant": {"id": "00000000-0000-0000-0000-000000000001", "name": "Acme", "slug": "acme"}, "role": "owner"}
    ]
    signed_in = await api.sign_in(email)
    assert signed_in.status_code == 200
    renewed = await api.with_cookie("/auth/token", cookie_of(signed_in))
    assert renewed.status_code == 200
    assert set(renewed.json()) == {"access_token", "expires_in"}
    who = (await api.get("/whoami", renewed.json()["access_token"])).json()
    assert who["user_id"] == who["log"] == me["user"]["id"]
