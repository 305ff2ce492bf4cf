/** The tool through which a model hands over its code, and under which a program is shown to people. */
export const RUN_CODE = 'run_code'
