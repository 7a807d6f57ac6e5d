from hypothesis import settings

settings.register_profile("bounded", max_examples=50, deadline=None, database=None, derandomize=True)
settings.load_profile("bounded")
