"""Names of the wire protocol."""

from enum import StrEnum


class SocketEvent(StrEnum):
    """Socket.IO events that clients and overlays send and receive."""

    OBSERVER_LOGON = "obs_logon"
    OBSERVER_LOGON_ACK = "obs_logon_ack"
    OBSERVER_DATA = "obs_data"
    AUXILIARY_LOGON = "aux_logon"
    AUXILIARY_LOGON_ACK = "aux_logon_ack"
    AUXILIARY_DATA = "aux_data"
    OVERLAY_LOGON = "logon"
    OVERLAY_LOGON_SUCCESS = "logon_success"
    MATCH_DATA = "match_data"
    MESSAGE = "message"


class PacketType(StrEnum):
    """The `type` of a logon and of its answer."""

    OBSERVER_LOGON = "authenticate"
    AUXILIARY_LOGON = "aux_authenticate"
    PREVIEW = "preview"


class ObserverType(StrEnum):
    """The `type` of a message in `obs_data`."""

    MAP = "map"
    GAME_MODE = "game_mode"
    MATCH_START = "match_start"
    ROSTER = "roster"
    SCOREBOARD = "scoreboard"
    KILLFEED = "killfeed"
    ROUND_INFO = "round_info"
    SCORE = "score"
    OBSERVING = "observing"
    TEAM_IS_ATTACKER = "team_is_attacker"
    SPIKE_PLANTED = "spike_planted"
    SPIKE_DETONATED = "spike_detonated"
    SPIKE_DEFUSED = "spike_defused"
    TECH_PAUSE = "tech_pause"
    LEFT_TIMEOUT = "left_timeout"
    RIGHT_TIMEOUT = "right_timeout"
    SWITCH_KDA_CREDITS = "switch_kda_credits"
    TOAST = "toast"
    SWAP_LEFT_RIGHT = "swap_left_right"
    SWAP_ATTACKER_DEFENDER = "swap_attacker_defender"


class AuxiliaryType(StrEnum):
    """The `type` of a message in `aux_data`."""

    SCOREBOARD = "aux_scoreboard"
    SCOREBOARD_TEAM = "aux_scoreboard_team"
    ABILITIES = "aux_abilities"
    HEALTH = "aux_health"
    ASTRA_TARGETING = "aux_astra_targeting"
    CYPHER_CAM = "aux_cypher_cam"
